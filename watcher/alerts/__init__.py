"""An alert's life, routes, groups, and the decision whether to say something, with its reason. Pure."""
