-- read: what the bytes of a document of a case must be; the look is in the access log. NULL: the case has no such document
SELECT read_document_for_staff($1, $2, row($3, $4, $5, $6)::staff_member, $7) AS found;
