"""One bounded way to ask a provider of models, whichever it is."""
