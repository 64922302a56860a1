"""An LSTM that reads 16×16 digits row by row."""
