#pragma once
/// The only place that talks to HDF5.
