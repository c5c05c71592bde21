"""What a run asks: tasks with their candidates and examples, and the conversations over them."""
