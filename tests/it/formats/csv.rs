//! CSV as spreadsheets read it.

use csv::StringRecord;
use ecs_network_audit::report::Format;

use super::{Material, WAIVED};

fn read(text: &str) -> (StringRecord, Vec<StringRecord>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    (header, reader.records().map(|row| row.unwrap()).collect())
}

#[test]
fn the_columns_are_a_contract_and_come_without_rows_too() {
    let mut material = Material::demo();
    material.report.findings.clear();
    assert_eq!(
        material.render(Format::Csv),
        "id,rule,severity,base_severity,status,status_reason,account,region,cluster,resource_type,resource_arn,\
         resource_name,message,cause,blockers,related,confirmed_by,remediation,commands,controls,references\r\n"
    );
}

#[test]
fn a_row_is_a_finding() {
    let (material, waived, _) = Material::demo().closed();
    let (header, rows) = read(&material.render(Format::Csv));
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    assert_eq!(rows.len(), material.report.findings.len());
    for (row, finding) in rows.iter().zip(&material.report.findings) {
        assert_eq!((&row[column("id")], &row[column("rule")]), (finding.id.as_str(), finding.rule));
        assert_eq!(row[column("message")], finding.message.to_string());
        assert_eq!(row[column("status_reason")] == *WAIVED, finding.id == waived);
    }
    assert_eq!((&rows[0][column("status")], &rows[1][column("status")]), ("waived", "baseline"));
    assert_eq!((&rows[2][column("status")], &rows[2][column("status_reason")]), ("open", ""));
}

#[test]
fn no_cell_is_a_formula_and_no_row_has_two_lines() {
    let mut material = Material::hostile();
    for (finding, formula) in material.report.findings.iter_mut().zip(["=1+1", "+1", "-1", "@A1", "\t=1", " =1", "＝1"])
    {
        finding.resource.name = formula.to_owned();
        finding.resource.arn = formula.to_owned();
    }
    let text = material.render(Format::Csv);
    assert_eq!(text.lines().count(), 1 + material.report.findings.len());
    let (_, rows) = read(&text);
    let cells = rows.iter().flat_map(|row| row.iter());
    let formula = cells.clone().find(|cell| cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '\t', '\r']));
    assert_eq!(formula, None);
    assert_eq!(cells.filter(|cell| *cell == "'=1+1").count(), 2);
}
