(source_file) @local.scope
(procedure) @local.scope
(on) @local.scope
(on_hook) @local.scope

(param name: (name) @local.definition.var)
(file name: (name) @local.definition.var)
(state name: (name) @local.definition.var)
(wire name: (name) @local.definition.var)
(compute name: (name) @local.definition.var)
(capture name: (name) @local.definition.var)
(measure name: (name) @local.definition.var)
(read name: (name) @local.definition.var)
(receive_file name: (name) @local.definition.var)
(ask_as name: (name) @local.definition.var)
(for name: (name) @local.definition.var)
(parameters (name) @local.definition.parameter)
(procedure name: (name) @local.definition.function)
(port name: (name) @local.definition.namespace)

(name) @local.reference
