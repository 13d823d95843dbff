SELECT lower(hex(id)) AS key, id, model, version, image, class, probabilities, latency_us, source, at
FROM predictions
WHERE id >= unhex(?1)
ORDER BY id
LIMIT ?4
