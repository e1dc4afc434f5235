"""The domain: models, pure rules, and one thin typed call per SQL function."""
