INSERT INTO images (id, status, format, width, height, perceptual, reason, label, origin, bytes, recorded_at, placement)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT (id) DO NOTHING
