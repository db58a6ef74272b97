"""One renderer per family of services: a document in that family's markup, by its rules of escaping."""
