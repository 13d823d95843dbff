UPDATE images
SET placement = ?2
WHERE id = ?1 AND placement IS NULL
