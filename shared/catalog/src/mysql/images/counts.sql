SELECT label, status, COUNT(*) AS images
FROM images
GROUP BY label, status
