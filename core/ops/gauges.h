// The metrics that are asked for at a scrape instead of being counted: a snapshot's and the process's.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "core/ops/snapshot.h"

namespace otpgw::ops {

void append_gauges(std::vector<prometheus::MetricFamily>& families, const Snapshot& now);

}  // namespace otpgw::ops
