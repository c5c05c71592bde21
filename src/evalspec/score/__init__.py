"""Answers to scores: judged examples, decisions and costs, metrics, ranks, results, sentences."""
