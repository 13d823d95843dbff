SELECT name, holder, beat, expires_at
FROM leases
WHERE name = ?1
