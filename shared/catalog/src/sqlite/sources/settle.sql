UPDATE sources
SET status = ?2, image = ?3, reason = ?4
WHERE url = ?1
