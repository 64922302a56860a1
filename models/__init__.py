"""The model zoo: one folder per model, each with the script that made it, the model, samples and a card."""
