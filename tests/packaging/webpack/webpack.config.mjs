export default { mode: "production", target: "web", entry: "./main.js", output: { filename: "main.js" } };
