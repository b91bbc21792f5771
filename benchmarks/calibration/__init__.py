"""Does each posterior find the parameters that made its data: studies behind the kept calibration records."""
