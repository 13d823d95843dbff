INSERT INTO predictions (id, model, version, image, class, probabilities, latency_us, source, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (id) DO NOTHING
