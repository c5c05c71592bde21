def answer(row, prompt, messages, steps):
    return ""
