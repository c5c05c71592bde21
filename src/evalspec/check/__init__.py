"""Tree to Program: names, values, types and data, with everything that is wrong told in one go."""
