INSERT INTO images (id, status, format, width, height, perceptual, reason, label, origin, bytes, recorded_at,
                    placement)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
