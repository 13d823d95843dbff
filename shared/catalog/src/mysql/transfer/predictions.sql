SELECT id, model, version, image, class, probabilities, latency_us, source, at
FROM predictions
WHERE id >= ?
ORDER BY id
LIMIT ?
