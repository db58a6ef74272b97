"""The words of the domain, as frozen values; knows nothing else of ours."""
