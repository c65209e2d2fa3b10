"""Great Expectations suites over step 8 and the gate that decides by their severities; the package is imported when called."""
