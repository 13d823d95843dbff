UPDATE leases
SET holder = ?, beat = ?, expires_at = ?
WHERE name = ?
