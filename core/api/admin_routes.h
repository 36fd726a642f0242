// The routes of the admin address: metrics for Prometheus, readiness for balancers and people. No
// authentication: the address is for the operator's own network alone.
#pragma once

#include <functional>

#include "core/http/router.h"
#include "core/ops/metrics.h"
#include "core/ops/snapshot.h"

namespace otpgw::api {

// Asks for the moment's snapshot; `done` is called on the loop's thread, later.
using Look = std::function<void(std::move_only_function<void(const ops::Snapshot&)> done)>;

// `metrics` must outlive the router.
void add_admin_routes(http::Router& router, const ops::Metrics& metrics, Look look);

}  // namespace otpgw::api
