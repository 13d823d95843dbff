INSERT INTO feedback (prediction, model, version, image, class, label, predicted_at, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (prediction) DO UPDATE SET label = excluded.label, at = excluded.at
WHERE excluded.at >= feedback.at
