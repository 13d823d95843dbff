SELECT id, model, version, image, class, probabilities, latency_us, source, at
FROM predictions
WHERE at >= ?1 AND (at, id) < (?2, ?3)
ORDER BY at DESC, id DESC
LIMIT ?4
