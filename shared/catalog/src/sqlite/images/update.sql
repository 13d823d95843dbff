UPDATE images
SET status = ?2, format = ?3, width = ?4, height = ?5, perceptual = ?6, reason = ?7, label = ?8
WHERE id = ?1
