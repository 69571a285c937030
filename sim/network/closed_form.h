#pragma once

#include <cmath>

#include "sim/network/packet_settings.h"

namespace podium {

/// Latency + bytes / bandwidth in whole nanoseconds; what is left over is cut off. This is the arithmetic of the
/// analytical network of ASTRA-sim (Won et al., ISPASS 2023; github.com/astra-sim/astra-network-analytical,
/// congestion_aware/basic-topology/Link.cpp), operation by operation, so that its results come out to the nanosecond.
/// Where bandwidths are high that cuts off much: 1 KB at 900 GB/s takes 1 ns of 1.1.
inline Seconds closed_form_delay(Seconds latency, Bytes bytes, BytesPerSecond bandwidth) {
  const double latency_in_ns = static_cast<double>(picoseconds(latency)) / 1e3;
  const double bytes_per_ns = bandwidth.value() / 1e9;
  return Seconds(std::floor(latency_in_ns + bytes.value() / bytes_per_ns) * 1e-9);
}

}  // namespace podium
