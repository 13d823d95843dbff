INSERT INTO leases (name, holder, beat, expires_at)
VALUES (?, ?, ?, ?)
