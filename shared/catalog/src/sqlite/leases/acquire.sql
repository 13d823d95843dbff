-- Takes what is free, has run out or is the holder's own already; returns nothing where somebody else holds it.
INSERT INTO leases (name, holder, beat, expires_at)
VALUES (?1, ?2, 1, ?3)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder,
    beat = leases.beat + 1,
    expires_at = excluded.expires_at,
    after = CASE WHEN leases.holder = excluded.holder THEN NULL ELSE leases.holder END
WHERE leases.holder = excluded.holder OR leases.expires_at <= ?4
RETURNING name, holder, beat, expires_at, after
