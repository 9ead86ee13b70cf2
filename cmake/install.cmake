# Install rules, config package and pkg-config file.
