#include "core/systems/systems.hpp"

#include "core/support/error.hpp"
#include "core/systems/abraham_lorentz.hpp"
#include "core/systems/attracting_manifold.hpp"
#include "core/systems/disc_and_ring.hpp"
#include "core/systems/grad13.hpp"
#include "core/systems/grad_moments.hpp"
#include "core/systems/kuramoto_sivashinsky.hpp"
#include "core/systems/lorenz63.hpp"
#include "core/systems/lorenz96.hpp"
#include "core/systems/rigid_body.hpp"
#include "core/systems/robertson.hpp"
#include "core/systems/sigmoid_map.hpp"
#include "core/systems/switching.hpp"
#include "core/systems/transient_growth.hpp"
#include "core/systems/two_body.hpp"

namespace spnode::core {

namespace {

using SystemPointer = std::unique_ptr<ReferenceSystem>;

/// One line per system.
constexpr struct Entry {
  SystemKind kind;
  SystemPointer (*make)(const GenerateOptions&);
} table[] = {
    {SystemKind::transient_growth,
     [](const GenerateOptions& o) -> SystemPointer { return std::make_unique<TransientGrowth>(o.epsilon); }},
    {SystemKind::grad13,
     [](const GenerateOptions& o) -> SystemPointer { return std::make_unique<Grad13>(o.epsilon); }},
    {SystemKind::robertson,
     [](const GenerateOptions& o) -> SystemPointer { return std::make_unique<Robertson>(o.perturbation); }},
    {SystemKind::kuramoto_sivashinsky,
     [](const GenerateOptions& o) -> SystemPointer {
       return std::make_unique<KuramotoSivashinsky>(o.domain_length, o.grid_points);
     }},
    {SystemKind::lorenz63,
     [](const GenerateOptions& o) -> SystemPointer {
       return std::make_unique<Lorenz63>(o.sigma, o.rho, o.beta);
     }},
    {SystemKind::two_body,
     [](const GenerateOptions&) -> SystemPointer { return std::make_unique<TwoBody>(); }},
    {SystemKind::rigid_body,
     [](const GenerateOptions&) -> SystemPointer { return std::make_unique<RigidBody>(); }},
    {SystemKind::sigmoid_map,
     [](const GenerateOptions& o) -> SystemPointer { return std::make_unique<SigmoidMap>(o.sigmoid_map); }},
    {SystemKind::switching,
     [](const GenerateOptions& o) -> SystemPointer {
       return std::make_unique<SwitchingSystem>(o.switching);
     }},
    {SystemKind::attracting_manifold,
     [](const GenerateOptions& o) -> SystemPointer {
       return std::make_unique<AttractingManifold>(o.epsilon);
     }},
    {SystemKind::grad_moments,
     [](const GenerateOptions& o) -> SystemPointer { return std::make_unique<GradMoments>(o.epsilon); }},
    {SystemKind::lorenz96,
     [](const GenerateOptions& o) -> SystemPointer {
       return std::make_unique<Lorenz96>(o.lorenz96, o.epsilon);
     }},
    {SystemKind::abraham_lorentz,
     [](const GenerateOptions& o) -> SystemPointer {
       return std::make_unique<AbrahamLorentz>(o.charge, o.epsilon);
     }},
    {SystemKind::disc_and_ring,
     [](const GenerateOptions&) -> SystemPointer { return std::make_unique<DiscAndRing>(); }},
};

const Entry& entry(SystemKind kind) {
  for (const Entry& candidate : table)
    if (candidate.kind == kind) return candidate;
  throw Error(ExitStatus::internal_error, "core/systems/systems.cpp has no line for a system");
}

}  // namespace

SystemPointer make_system(const GenerateOptions& options) {
  require_option(options.system.has_value(), {"system"},
                 "is none; name one of " + listed_words<SystemKind>());
  return entry(*options.system).make(options);
}

}  // namespace spnode::core
