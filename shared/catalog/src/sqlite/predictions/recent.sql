SELECT id, model, version, image, class, probabilities, latency_us, source, at
FROM predictions
ORDER BY at DESC, id DESC
LIMIT ?1
