SELECT CONVERT(name USING utf8mb4) AS name, CONVERT(holder USING utf8mb4) AS holder, beat, expires_at
FROM leases
WHERE leases.name = ?
