SELECT id, model, version, image, class, probabilities, latency_us, source, at
FROM predictions FORCE INDEX (PRIMARY)
WHERE id IN (?)
ORDER BY id
FOR UPDATE
