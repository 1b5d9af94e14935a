-- At the start of a service that has its database to itself: whoever held a lease is gone. Index: transforms_running.
update transforms set lease_expires_at = clock_timestamp() where status = 'running' and lease_expires_at > clock_timestamp()
