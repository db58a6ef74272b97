"""The API edge: client, wire shapes and their translation to the model, the request budget."""
