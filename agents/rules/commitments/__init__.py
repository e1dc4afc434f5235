"""Promises in what people write: found in their words, settled by what they write later. Rules, without a model."""
