# What the tests against real servers need to know, to be sourced: where the servers are that .ci/real-servers installs,
# and that a test without its server fails instead of being skipped.
# shellcheck shell=sh

# The Python that has pyserial, and the folder of labgrid's programs.
FLOWRUN_PYTHON=${FLOWRUN_PYTHON:-$PWD/target/pyserial/bin/python}
FLOWRUN_LABGRID=${FLOWRUN_LABGRID:-$PWD/target/labgrid/bin}
export FLOWRUN_PYTHON FLOWRUN_LABGRID
export FLOWRUN_REQUIRE_MOSQUITTO=1 FLOWRUN_REQUIRE_PORT_SERVERS=1 FLOWRUN_REQUIRE_LABGRID=1 FLOWRUN_REQUIRE_LRZSZ=1
export FLOWRUN_REQUIRE_NVIM=1
