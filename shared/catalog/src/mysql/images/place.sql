UPDATE images FORCE INDEX (PRIMARY)
SET placement = CASE id WHEN ? THEN ? END
WHERE id IN (?) AND placement IS NULL
