"""The console: what is remembered, as pages. No script is needed to read; htmx saves reloads.

Everything shown is what users said: it is escaped by the templates, and the pages' policy
lets no script run but the one that comes with this package.
"""
