INSERT INTO sources (url, label, status)
VALUES (?1, ?2, 'pending')
ON CONFLICT (url) DO UPDATE SET label = excluded.label, status = 'pending', reason = NULL
WHERE sources.status = 'failed' OR (?3 AND sources.status = 'pending')
