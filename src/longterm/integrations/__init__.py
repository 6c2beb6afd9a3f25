"""Where longterm meets other frameworks; each module only translates."""
