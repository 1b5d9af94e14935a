-- The request that asked for the transform, as `traceparent` of W3C Trace Context: what its attempts, in whichever process, hang their spans below.
alter table transforms add column traceparent text check (length(traceparent) <= 100);
