-- allow_clock: lets the API move the one clock that all processes read. Local mode only: production never runs this.
GRANT UPDATE ON local_clock TO sepakat_api;
