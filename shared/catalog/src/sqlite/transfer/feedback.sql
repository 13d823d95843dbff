SELECT lower(hex(prediction)) AS key, prediction, model, version, image, class, label, predicted_at, at
FROM feedback
WHERE prediction >= unhex(?1)
ORDER BY prediction
LIMIT ?4
