INSERT INTO predictions (id, model, version, image, class, probabilities, latency_us, source, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE id = VALUES(id)
