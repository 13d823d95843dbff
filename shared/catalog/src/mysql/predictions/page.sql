SELECT id, model, version, image, class, probabilities, latency_us, source, at
FROM predictions
WHERE at >= ? AND at <= ? AND (at < ? OR id < ?)
ORDER BY at DESC, id DESC
LIMIT ?
