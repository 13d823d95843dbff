UPDATE leases
SET beat = beat + 1, expires_at = ?3
WHERE name = ?1 AND holder = ?2
RETURNING name, holder, beat, expires_at
